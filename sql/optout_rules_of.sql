-- Bad result: no row for a repository whose owner asked.
-- Question: Which rules of the opt-out registry are about a repository, its origins, owner or contents; do they stand?
-- Must be empty: no
-- Needs: decisions, optout_names, optout_rules, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH RECURSIVE
decisions AS (SELECT * FROM stg_decisions),
optout_names AS (SELECT * FROM stg_optout_names),
optout_rules AS (SELECT * FROM stg_optout_rules),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id FROM repos SEMI JOIN named USING (repo_id)),
-- It, and all that it came from.
line AS (
  SELECT repo_id FROM asked
  UNION
  SELECT forks.name FROM line JOIN optout_names AS forks USING (repo_id) WHERE relation = 'upstream'
),
names AS (
  SELECT DISTINCT has_host, string_split(name, '/') AS segments
  FROM optout_names SEMI JOIN line USING (repo_id)
  WHERE relation <> 'upstream'
),
-- A rule covers what lies below it.
prefixes AS (SELECT has_host, segments, unnest(range(1, len(segments) + 1)) AS length FROM names),
covered AS (
  SELECT DISTINCT has_host, array_to_string(segments[1:length], '/') AS name, length = len(segments) AS is_whole
  FROM prefixes
),
blobs AS (
  SELECT DISTINCT blob_id AS name FROM decisions
  WHERE repo_id IN (SELECT repo_id FROM asked) AND blob_id IS NOT NULL
),
rules AS (
  SELECT *, lower(value) AS full_value,
    CASE WHEN NOT regexp_matches(value, '^(pypi|npm|local)/') THEN regexp_extract(lower(value), '^[^/]+/(.+)$', 1) END
      AS bare_value,
    seq = max(seq) OVER (PARTITION BY scope, lower(value)) AS stands
  FROM optout_rules
),
about AS (
  SELECT rules.* FROM rules JOIN covered ON covered.name = full_value
  WHERE has_host AND (scope = 'repo' OR (scope = 'owner' AND NOT is_whole))
  UNION SELECT rules.* FROM rules JOIN covered ON covered.name = bare_value
  WHERE NOT has_host AND (scope = 'repo' OR (scope = 'owner' AND NOT is_whole))
  UNION SELECT rules.* FROM rules SEMI JOIN blobs ON blobs.name = full_value WHERE scope = 'blob'
),
final AS (SELECT seq, scope, value, action, request_id, stands FROM about)
SELECT * FROM final
ORDER BY seq
