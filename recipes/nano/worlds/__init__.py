"""The generated worlds that trivium-nano learns from: one module for each ability, on a common source of chance and words."""
