"""The operators' pages: one module a page, its template in `templates/`, our own styles and scripts in `assets/`."""
