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
  SELECT scope, lower(value) AS value,
    CASE WHEN NOT regexp_matches(value, '^(pypi|npm|local)/') THEN regexp_extract(lower(value), '^[^/]+/(.+)$', 1) END
      AS value_without_host
  FROM optout_rules
  GROUP BY ALL
  HAVING arg_max(action, seq) = 'block'
),
as_written AS (
  SELECT repo_id, name, fork_of FROM repos
  UNION ALL SELECT repo_id, url, fork_of FROM repos
  UNION ALL SELECT repo_id, unnest(aliases), fork_of FROM repos
),
-- One spelling: no scheme, no `.git`, lower case, and packages with single hyphens.
plain AS (
  SELECT DISTINCT repo_id, fork_of,
    regexp_replace(regexp_replace(lower(name), '^([a-z+]+://|local:)', ''), '([.]git)?/*$', '') AS name
  FROM as_written
  WHERE name IS NOT NULL
),
own_names AS (
  SELECT repo_id, fork_of,
    CASE WHEN starts_with(name, 'pypi/') THEN regexp_replace(name, '[-_.]+', '-', 'g') ELSE name END AS name
  FROM plain
),
parents AS (
  SELECT repo_id,
    regexp_replace(regexp_replace(lower(fork_of), '^([a-z+]+://|local:)', ''), '([.]git)?/*$', '') AS name
  FROM repos WHERE fork_of IS NOT NULL
),
-- A rule about the root of a fork network holds for all forks below it. A rule about a fork never goes to another one.
ancestors AS (
  SELECT repo_id, name FROM parents
  UNION
  SELECT ancestors.repo_id, parents.name
  FROM ancestors JOIN own_names USING (name) JOIN parents ON parents.repo_id = own_names.repo_id
),
roots AS (
  SELECT repo_id, name FROM ancestors
  WHERE name NOT IN (SELECT name FROM own_names WHERE fork_of IS NOT NULL)
),
every_name AS (
  SELECT repo_id, name, false AS of_root FROM own_names
  UNION SELECT repo_id, name, true FROM roots
),
names AS (
  SELECT *, regexp_extract(name, '^[^/]+') AS head, regexp_matches(name, '^(pypi|npm|local)/') AS is_package,
    regexp_matches(name, '^([^/]*[.][^/]*|[^/]+:[0-9]+|localhost|pypi|npm|local)/') AS is_full
  FROM every_name
),
hosts AS (SELECT DISTINCT repo_id, head AS host FROM names WHERE is_full AND NOT is_package AND NOT of_root),
-- A bare owner/name is read on the hosts of the repository's other names.
full_names AS (
  SELECT repo_id, name, of_root FROM names WHERE is_full
  UNION SELECT repo_id, host || '/' || name, of_root FROM names JOIN hosts USING (repo_id) WHERE NOT is_full
),
bare_names AS (
  SELECT repo_id, name, of_root FROM names
  WHERE NOT is_full AND repo_id NOT IN (SELECT repo_id FROM hosts)
),
-- A rule covers what lies below it: a group covers its projects.
parts AS (
  SELECT repo_id, of_root, true AS has_host, string_split(name, '/') AS segments FROM full_names
  UNION ALL SELECT repo_id, of_root, false, string_split(name, '/') FROM bare_names
),
prefixes AS (SELECT *, unnest(range(1, least(len(segments), 64) + 1)) AS length FROM parts),
covered AS (
  SELECT repo_id, of_root, has_host, array_to_string(segments[1:length], '/') AS prefix,
    length = len(segments) AS is_whole
  FROM prefixes
),
blocked_by_rule AS (
  SELECT repo_id, CASE WHEN of_root THEN 'fork' ELSE scope END AS via
  FROM covered JOIN blocks ON value = prefix
  WHERE has_host AND (scope = 'repo' OR (scope = 'owner' AND NOT is_whole))
  UNION
  SELECT repo_id, CASE WHEN of_root THEN 'fork' ELSE scope END
  FROM covered JOIN blocks ON value_without_host = prefix
  WHERE NOT has_host AND (scope = 'repo' OR (scope = 'owner' AND NOT is_whole))
),
blocked_repos AS (
  SELECT repo_id, via FROM blocked_by_rule
  UNION SELECT repo_id, 'status' FROM repos WHERE status = 'opted_out'
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
