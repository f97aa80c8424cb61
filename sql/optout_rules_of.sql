-- Bad result: no row for a repository whose owner asked.
-- Question: Which rules of the opt-out registry are about a repository, its owner or its contents, and do they stand?
-- Must be empty: no
-- Needs: decisions, optout_rules, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
decisions AS (SELECT * FROM stg_decisions),
optout_rules AS (SELECT * FROM stg_optout_rules),
repos AS (SELECT * FROM stg_repos),
asked AS (
  SELECT repo_id, name
  FROM repos
  WHERE repo_id = $repo OR lower(name) = lower($repo) OR url = $repo
    OR list_contains(list_transform(aliases, lambda alias: lower(alias)), lower($repo))
),
every_name AS (
  SELECT name FROM asked
  UNION SELECT url FROM repos WHERE repo_id IN (SELECT repo_id FROM asked)
  UNION SELECT unnest(aliases) FROM repos WHERE repo_id IN (SELECT repo_id FROM asked)
  UNION SELECT fork_of FROM repos WHERE repo_id IN (SELECT repo_id FROM asked) AND fork_of IS NOT NULL
),
names AS (
  SELECT DISTINCT regexp_replace(regexp_replace(lower(name), '^([a-z+]+://|local:)', ''), '([.]git)?/*$', '') AS name
  FROM every_name
),
-- With the host, and without it. A rule covers what lies below it.
spellings AS (
  SELECT string_split(name, '/') AS segments FROM names
  UNION SELECT string_split(regexp_extract(name, '^[^/]*[.:][^/]*/(.+)$', 1), '/') FROM names
),
prefixes AS (SELECT segments, unnest(range(1, least(len(segments), 64) + 1)) AS length FROM spellings),
covered AS (SELECT DISTINCT array_to_string(segments[1:length], '/') AS name FROM prefixes),
blobs AS (
  SELECT DISTINCT blob_id AS name FROM decisions
  WHERE repo_id IN (SELECT repo_id FROM asked) AND blob_id IS NOT NULL
),
rules AS (
  SELECT *, lower(value) AS full_value, regexp_extract(lower(value), '^[^/]*[.:][^/]*/(.+)$', 1) AS bare_value,
    seq = max(seq) OVER (PARTITION BY scope, lower(value)) AS stands
  FROM optout_rules
),
about AS (
  SELECT rules.* FROM rules SEMI JOIN covered ON covered.name = full_value WHERE scope <> 'blob'
  UNION SELECT rules.* FROM rules SEMI JOIN covered ON covered.name = bare_value WHERE scope <> 'blob'
  UNION SELECT rules.* FROM rules SEMI JOIN blobs ON blobs.name = full_value WHERE scope = 'blob'
),
final AS (SELECT seq, scope, value, action, request_id, stands FROM about)
SELECT * FROM final
ORDER BY seq
