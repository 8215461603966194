"""Plan -> edits of files in a Git checkout. Nothing here pushes, and no file of the checkout itself is written."""
