"""The sea: growth laws, noise, surveys and stocks."""
