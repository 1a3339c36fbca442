.PHONY: placeholder
placeholder:
