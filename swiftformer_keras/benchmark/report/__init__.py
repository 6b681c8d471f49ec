"""How a run is shown: `table.py` for a terminal, `html.py` for a page of its own, in the words of `wording.py`.

In come summaries (`summary.py`, `compare.py`), out come cells of text and one HTML document. Nothing here computes a
figure, and nothing that a device or a file says is trusted: `page.html.j2` escapes it, `wording.shown_text` cuts it.
"""
