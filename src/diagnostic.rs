//! Problems with a place in a file, and how they are shown.
