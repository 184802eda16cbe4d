"""Values as annotations have them: what messages and stored JSON say, as dataclasses and Pydantic models."""
