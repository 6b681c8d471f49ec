"""Live comparison with timm and transformers; run by `make parity`, which brings torch, timm and transformers.

`peers.py` builds their models with random shapes and weights and asks both sides for logits. Everything passes through
files that these libraries write and through our own readers. The table at the end has the largest difference of each
family.
"""
