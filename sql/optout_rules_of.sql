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
  SELECT repo_id AS name FROM asked
  UNION SELECT name FROM asked
  UNION SELECT url FROM repos WHERE repo_id IN (SELECT repo_id FROM asked)
  UNION SELECT unnest(aliases) FROM repos WHERE repo_id IN (SELECT repo_id FROM asked)
),
names AS (
  SELECT DISTINCT regexp_replace(regexp_replace(lower(name), '^[a-z+]+://', ''), '([.]git)?/*$', '') AS name
  FROM every_name
),
values_about AS (
  SELECT 'repo' AS scope, name AS value FROM names
  UNION SELECT 'owner', regexp_extract(name, '^(.+)/[^/]+$', 1) FROM names
  UNION SELECT 'owner', regexp_extract(name, '([^/]+)/[^/]+$', 1) FROM names
  UNION SELECT 'blob', blob_id FROM decisions WHERE repo_id IN (SELECT repo_id FROM asked) AND blob_id IS NOT NULL
),
rules AS (
  SELECT *, regexp_replace(regexp_replace(lower(value), '^[a-z+]+://', ''), '([.]git)?/*$', '') AS plain_value
  FROM optout_rules
),
final AS (
  SELECT seq, rules.scope, rules.value, action, request_id,
    seq = max(seq) OVER (PARTITION BY rules.scope, plain_value) AS stands
  FROM rules JOIN values_about ON values_about.scope = rules.scope AND values_about.value = plain_value
)
SELECT * FROM final
ORDER BY seq
