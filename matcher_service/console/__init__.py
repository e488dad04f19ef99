"""The console: web pages for examiners, supervisors, case officers, owners, auditors and administrators.

See docs/console.md. `app.make_app` puts it together; `pages.Console` is what a module of pages adds itself to.
"""
