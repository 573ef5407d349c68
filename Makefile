# Everything a newcomer needs: `make demo` and `make test` set up what they need by themselves, and are quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := libs/protos libs/runtime libs/client services/stt services/translate services/agent services/tts services/gateway
EXTRAS := $(PACKAGES:libs/client=libs/client[convert])
EXTRAS := $(EXTRAS:services/tts=services/tts[parler])
EXTRAS := $(EXTRAS:services/translate=services/translate[indictrans2])
REFERENCE := build/reference-venv
# A process for each core, four at most; a file's tests stay together, with what they start for all of them.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile
CODE := libs/runtime/src libs/client/src services/*/src tests bench tools deploy/canary deploy/images
export MAATU_MODELS_DIR ?= $(CURDIR)/build/models

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: models ## Speak a question to the five services and hear the answer (build/demo/reply.wav)
	@$(BIN)/maatu demo

test: models ## Run every test: a process for each core, then whole conversations with the machine to themselves
	@status=0; $(BIN)/pytest $(SIDE_BY_SIDE) --ignore=tests/e2e || status=$$?; $(BIN)/pytest tests/e2e || status=$$?; exit $$status

setup: $(STAMP) ## Create .venv with everything at pinned versions

$(STAMP): constraints.txt requirements-dev.txt $(PACKAGES:%=%/pyproject.toml) $(wildcard protos/maatu/v1/*.proto) libs/protos/hatch_build.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Maatu needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@test -x $(BIN)/pip || { echo "▸ creating $(VENV)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "▸ installing pinned packages into $(VENV) (a minute or two the first time)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement requirements-dev.txt
	@echo "▸ generating the protobuf modules and installing the eight Maatu packages"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation \
		--constraint constraints.txt $(patsubst %,--editable '%',$(EXTRAS))
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --constraint constraints.txt indictranstoolkit indic-nlp-library-itt
	@touch $@

models: $(STAMP) ## Prepare the embedded models (fetches or repairs only what is missing)
	@$(BIN)/maatu models pull embedded

lint: $(STAMP) ## Formatting, lint, types
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check
	@$(BIN)/mypy $(CODE)

proto-check: $(STAMP) ## Lint the contract and look for breaking changes
	@$(BIN)/python tools/protocheck.py

reference: ## Install the package parler_tts, which parity is tested and speed compared with, beside ours (1.8 GB)
	@$(PYTHON) tools/reference/install.py $(REFERENCE)

test-reference: $(STAMP) reference ## Compare our Parler-TTS with the package parler_tts, code by code
	@MAATU_REFERENCE_PYTHON=$(REFERENCE)/bin/python $(BIN)/pytest tests/reference

test-kernels: $(STAMP) ## Run the GPU kernels in Triton's interpreter (fetches Triton, 0.9 GB, into build/triton)
	@test -d build/triton/triton || { echo "▸ fetching Triton into build/triton"; \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target build/triton triton==3.8.0; }
	@PYTHONPATH=build/triton $(BIN)/pytest tests/tts/parler/test_attention.py

kube: $(STAMP) ## Get helm and kubectl into build/kube
	@$(BIN)/python tools/kubetools.py

chart-test: models kube ## Lint, render and validate the chart, start what it starts, and try maatu-canary with kubectl; two to three minutes
	@MAATU_TEST_CHART=1 $(BIN)/pytest $(SIDE_BY_SIDE) tests/chart tests/canary

images: ## Build the images with Docker or buildah (IMAGES="stt tts", VARIANT=cpu|cuda|all)
	@$(PYTHON) deploy/images/build.py --variant $(or $(VARIANT),cpu) $(IMAGES)

images-test: models ## Build the CPU images with buildah on a debootstrap base and run them as Kubernetes does (root; a quarter of an hour or more)
	@MAATU_TEST_IMAGES=1 $(BIN)/pytest tests/images

bench-canary: $(STAMP) ## How conversations are divided between stable side and canary (build/bench/canary.json); three minutes
	@$(BIN)/python bench/canary.py

bench-tts-gpu: ## Parler-TTS on a GPU (build/bench/tts_gpu.json); needs torch, transformers, safetensors, numpy, nothing else
	@bench/tts_gpu.sh

bench-tts: models reference ## Speech: Parler-TTS beside its reference, Piper, eSpeak NG (build/bench/tts.json); a quarter of an hour
	@$(BIN)/python bench/tts.py

bench-stt: models ## Speech recognition: accuracy, latency, load, endpoints, noise (build/bench/stt.json); an hour
	@$(BIN)/python bench/stt.py

bench-translate: models ## Translation: quality, latency, load, NLLB beside transformers, kept tokens (build/bench/translate.json); half an hour
	@$(BIN)/python bench/translate.py

bench-turn: models ## Voice-to-voice of real turns, against the same hops one after another (build/bench/turn.json)
	@$(BIN)/python bench/turn.py

constraints: ## Write constraints.txt anew from what is installed in .venv
	@$(BIN)/pip freeze --exclude-editable | sed -E 's/\+cpu$$//' | grep -v '^maatu' > constraints.txt

clean: ## Remove what was built, the models and the virtual environment
	@rm -rf build $(VENV) libs/protos/src/maatu/v1

.PHONY: help demo test setup models lint proto-check reference test-reference test-kernels kube chart-test images images-test bench-canary bench-tts bench-tts-gpu bench-stt bench-translate bench-turn constraints clean
