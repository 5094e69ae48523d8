"""The figures that the paper prints of its price model, beside ours: table, CSV, Markdown, page."""
