"""The files of a project folder: mapping, selections, batch, and the tables people bring."""
