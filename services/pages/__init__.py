"""Pages: self-contained HTML from templates, with charts inside; what every page has in common."""
