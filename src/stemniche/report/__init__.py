"""From a run to one page that can be forwarded; `html.write_report` makes it."""
