#!/usr/bin/env bash
# Checks the examples beside it, and the queries of docs/operating.md, with the tools that are there. Takes seconds, needs
# no network and no root. Says at its end what it could not check. Exits 1 if something is wrong.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
unchecked=()

good() { printf 'ok       %s\n' "$*"; }
wrong() {
  printf 'WRONG    %s\n' "$*"
  failed=1
}
has() { command -v "$1" >/dev/null 2>&1; }

check_unit() {
  local unit=docs/examples/ml-connector.service said
  if ! has systemd-analyze; then
    unchecked+=("$unit: systemd-analyze is not installed (Debian: systemd)")
    return
  fi
  # The program is not installed here; every other line is checked as it is.
  sed 's#^ExecStart=/usr/local/bin/ml-connector#ExecStart=/bin/true#' "$unit" >"$scratch/ml-connector.service"
  # Only what is said of this unit: other units of the machine are not our business.
  said=$(systemd-analyze verify --man=no --recursive-errors=no "$scratch/ml-connector.service" 2>&1 || true)
  said=$(grep -F ml-connector.service <<<"$said" || true)
  if [ -n "$said" ]; then wrong "$unit: $said"; else good "$unit: systemd-analyze verify"; fi
  if systemd-analyze security --offline=true --threshold=20 "$scratch/ml-connector.service" >"$scratch/security" 2>&1; then
    good "$unit: $(grep -F 'Overall exposure' "$scratch/security" | sed 's/[^ -~]//g; s/^ *//')"
  elif grep -qF 'Overall exposure' "$scratch/security"; then
    wrong "$unit: $(grep -F 'Overall exposure' "$scratch/security")"
  else
    unchecked+=("$unit: this systemd-analyze cannot judge the hardening of a file")
  fi
  unchecked+=("$unit: that the service works under these limits; start it once on a machine with systemd")
}

# What is certain without Docker: instructions, stages, and sources of COPY.
check_dockerfile_by_hand() {
  awk '
    /^[[:space:]]*(#|$)/ { next }
    continued { continued = /\\$/; next }
    {
      continued = /\\$/
      word = toupper($1)
      if (word !~ /^(ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|LABEL|RUN|USER|VOLUME|WORKDIR)$/) bad("unknown instruction " $1)
      if (!stages && word != "FROM" && word != "ARG") bad($1 " before FROM")
      if (word == "FROM") { stages++; user = ""; if (toupper($3) == "AS") named[$4] = 1 }
      if (word == "COPY" && $2 ~ /^--from=/) { stage = substr($2, 8); if (!(stage in named)) bad("no stage " stage) }
      if (word == "USER") user = $2
      if (word == "ENTRYPOINT" && $2 !~ /^\[/) bad("ENTRYPOINT without brackets does not pass signals on")
    }
    END {
      if (stages == 0) bad("no FROM")
      if (user == "" || user == "root" || user == "0") bad("it runs as root")
      exit failed
    }
    function bad(why) { print FILENAME ":" FNR ": " why; failed = 1 }
  ' docs/examples/Dockerfile
}

check_dockerfile() {
  local file=docs/examples/Dockerfile rust image word
  if said=$(check_dockerfile_by_hand); then good "$file: instructions and stages"; else wrong "$said"; fi
  rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  image=$(sed -n 's/^FROM rust:\([0-9.]*\)-.*/\1/p' "$file")
  if [ "$(printf '%s\n' "$rust" "$image" | sort -V | head -n 1)" = "$rust" ]; then
    good "$file: Rust $image, and Cargo.toml wants $rust"
  else
    wrong "$file: Rust $image, but Cargo.toml wants $rust"
  fi
  while IFS= read -r word; do
    if [ "$word" = build ] || grep -q "^$word = " .cargo/config.toml; then
      good "$file: cargo $word"
    else
      wrong "$file: cargo $word is no command and no alias of .cargo/config.toml"
    fi
  done < <(sed -n 's/^RUN cargo \([a-z-]*\).*/\1/p' "$file")
  if has hadolint; then
    if said=$(hadolint "$file"); then good "$file: hadolint"; else wrong "$file: $said"; fi
  else
    unchecked+=("$file: hadolint is not installed")
  fi
  if has docker && docker info >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; then
    if said=$(docker buildx build --check --file "$file" . 2>&1); then good "$file: docker buildx build --check"; else wrong "$file: $said"; fi
  else
    unchecked+=("$file: there is no Docker to parse it")
  fi
  unchecked+=("$file: that the image builds and starts; that takes Docker, a registry and some minutes")
}

check_queries() {
  local guide=docs/operating.md query count=0
  if ! has sqlite3; then
    unchecked+=("$guide: sqlite3 is not installed")
    return
  fi
  local schema
  while IFS= read -r schema; do sqlite3 "$scratch/store" <"$schema"; done \
    < <(printf '%s\n' host/src/store/sqlite/*.sql | sort -V)
  while IFS= read -r query; do
    count=$((count + 1))
    sqlite3 "$scratch/store" "$query" >/dev/null || wrong "$guide: $query"
  done < <(sed -n 's/^sqlite3 \(-readonly \)\{0,1\}STORE "\([A-Z].*\)"$/\2/p' "$guide")
  if [ "$count" -gt 0 ]; then good "$guide: $count queries fit the schema"; else wrong "$guide: no query found"; fi
}

check_unit
check_dockerfile
check_queries
if has shellcheck; then
  if shellcheck docs/examples/check.sh; then good "docs/examples/check.sh: shellcheck"; else wrong "docs/examples/check.sh"; fi
fi
for line in "${unchecked[@]}"; do printf 'not done %s\n' "$line"; done
exit "$failed"
