"""Keep the client's settings: typed, versioned, local first."""
