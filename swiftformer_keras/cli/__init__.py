"""The porch: the command `swiftformer`, one file a command, each of which parses, calls one function and prints.

In comes an argument list, out go a table or one JSON object on stdout, progress and warnings on stderr, and
an exit code: 0 done, 2 the user's mistake, 3 a stated bound was not met, 1 a bug of ours, 130 interrupted,
141 the reader of stdout went away, 143 terminated. Start at `main.py`; `app.py` lists the commands,
`console.py` prints.
Nothing here imports TensorFlow, Keras or numpy before a command runs, so that `--help` answers at once.
"""
