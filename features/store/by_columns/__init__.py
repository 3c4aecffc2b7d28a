"""Reading a store by columns: each file takes one subject from record batches to numpy, no object per row."""
