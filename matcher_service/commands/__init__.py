"""The commands of `matcher-service`, by what they are for. What a command needs is imported when it runs."""
