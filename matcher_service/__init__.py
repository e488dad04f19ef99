"""The centre: takes submissions, searches the repositories, replies."""
