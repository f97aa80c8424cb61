-- Bad result: any row. Each is a file that is in this set although its owner, or a rule about its content, blocks it.
-- Question: Which kept or released files does the opt-out registry block?
-- Must be empty: yes
-- Needs: decisions, docs, optout_rules, repos
WITH RECURSIVE
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
optout_rules AS (SELECT * FROM stg_optout_rules),
repos AS (SELECT * FROM stg_repos),
-- The registry is append-only: the last rule about a value is the one that stands.
blocks AS (
  SELECT scope, regexp_replace(regexp_replace(lower(value), '^[a-z+]+://', ''), '([.]git)?/*$', '') AS value
  FROM optout_rules
  GROUP BY ALL
  HAVING arg_max(action, seq) = 'block'
),
every_name AS (
  SELECT repo_id, repo_id AS name FROM repos
  UNION SELECT repo_id, name FROM repos
  UNION SELECT repo_id, url FROM repos
  UNION SELECT repo_id, unnest(aliases) FROM repos
),
names AS (
  SELECT DISTINCT repo_id, regexp_replace(regexp_replace(lower(name), '^[a-z+]+://', ''), '([.]git)?/*$', '') AS name
  FROM every_name
),
owners AS (
  SELECT DISTINCT repo_id, regexp_extract(name, '^(.+)/[^/]+$', 1) AS owner FROM names
  UNION SELECT repo_id, regexp_extract(name, '([^/]+)/[^/]+$', 1) FROM names
),
blocked_by_rule AS (
  SELECT repo_id, 'repo' AS via FROM names JOIN blocks ON scope = 'repo' AND value = name
  UNION SELECT repo_id, 'owner' FROM owners JOIN blocks ON scope = 'owner' AND value = owner
  UNION SELECT repo_id, 'status' FROM repos WHERE status = 'opted_out'
),
-- A rule about the root of a fork network holds for all forks below it. A rule about a fork never goes upwards.
forks AS (
  SELECT repo_id FROM repos WHERE fork_of IS NULL AND repo_id IN (SELECT repo_id FROM blocked_by_rule)
  UNION SELECT repos.repo_id FROM repos JOIN forks ON repos.fork_of = forks.repo_id
),
blocked_repos AS (
  SELECT repo_id, via FROM blocked_by_rule
  UNION SELECT repo_id, 'fork' FROM forks WHERE repo_id NOT IN (SELECT repo_id FROM blocked_by_rule)
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
