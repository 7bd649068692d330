"""The steps, one file each, named by the order in which they are taken."""
