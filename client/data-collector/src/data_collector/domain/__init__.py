"""What a news item and a calendar event are, and when a source may be asked again."""
