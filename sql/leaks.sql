-- Bad result: any row. Each is a file that is in this set although its owner, or a rule about its content, blocks it.
-- Question: Which kept or released files does the opt-out registry block?
-- Must be empty: yes
-- Needs: decisions, docs, optout_names, optout_rules, repos
WITH RECURSIVE
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
optout_names AS (SELECT * FROM stg_optout_names),
optout_rules AS (SELECT * FROM stg_optout_rules),
repos AS (SELECT * FROM stg_repos),
-- The registry is append-only: the last rule about a value is the one that stands.
blocks AS (
  SELECT scope, lower(value) AS value,
    CASE WHEN NOT regexp_matches(value, '^(pypi|npm|local)/') THEN regexp_extract(lower(value), '^[^/]+/(.+)$', 1) END
      AS value_without_host
  FROM optout_rules
  GROUP BY ALL
  HAVING arg_max(action, seq) = 'block'
),
-- A rule covers what lies below it: a group covers its projects.
names AS (
  SELECT repo_id, relation, has_host, string_split(name, '/') AS segments
  FROM optout_names WHERE relation <> 'upstream'
),
prefixes AS (SELECT *, unnest(range(1, len(segments) + 1)) AS length FROM names),
covered AS (
  SELECT repo_id, relation, has_host, array_to_string(segments[1:length], '/') AS prefix,
    length = len(segments) AS is_whole
  FROM prefixes
),
blocked_by_rule AS (
  SELECT repo_id, CASE WHEN relation = 'origin' THEN 'fork' ELSE scope END AS via
  FROM covered JOIN blocks ON value = prefix
  WHERE has_host AND (scope = 'repo' OR (scope = 'owner' AND NOT is_whole))
  UNION
  SELECT repo_id, CASE WHEN relation = 'origin' THEN 'fork' ELSE scope END
  FROM covered JOIN blocks ON value_without_host = prefix
  WHERE NOT has_host AND (scope = 'repo' OR (scope = 'owner' AND NOT is_whole))
),
-- A rule goes down to forks and their forks, never up or to a sister.
forks AS (SELECT repo_id, name AS upstream FROM optout_names WHERE relation = 'upstream'),
blocked AS (
  SELECT repo_id, via FROM blocked_by_rule
  UNION
  SELECT forks.repo_id, 'fork' FROM blocked JOIN forks ON forks.upstream = blocked.repo_id
),
blocked_repos AS (
  SELECT repo_id, via FROM blocked
  UNION SELECT repo_id, 'status' FROM repos WHERE status = 'opted_out'
  -- What was compared under no name was not compared.
  UNION SELECT repo_id, 'no_name' FROM repos ANTI JOIN names USING (repo_id)
),
held AS (
  SELECT 'decisions' AS found_in, file_id, repo_id, path, blob_id FROM decisions WHERE verdict = 'kept'
  UNION ALL SELECT 'docs', file_id, repo_id, path, blob_id FROM docs
),
leaking AS (
  SELECT held.*, via FROM held JOIN blocked_repos USING (repo_id)
  UNION ALL SELECT held.*, 'blob' FROM held JOIN blocks ON scope = 'blob' AND value = blob_id
),
final AS (
  SELECT found_in, coalesce(repos.name, leaking.repo_id) AS repo, path, file_id, via
  FROM leaking LEFT JOIN repos USING (repo_id)
)
SELECT * FROM final
ORDER BY ALL
