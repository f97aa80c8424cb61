-- Bad result: a repository that is almost wholly a copy of another, but is not known as its fork.
-- Question: Which repositories lost how many files to which others as duplicates?
-- Must be empty: no
-- Needs: decisions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
-- A fork may name its origin as the source does, by its address or by an alias.
repos AS (
  SELECT repo_id, name, url,
    plain(fork_of) AS origin,
    list_transform(list_concat([name, url], aliases), lambda one: plain(one)) AS names
  FROM stg_repos
),
duplicates AS (
  SELECT lost.repo_id, kept.repo_id AS kept_repo_id, lost.reason
  FROM decisions AS lost JOIN decisions AS kept ON kept.file_id = lost.twin_file_id
  WHERE lost.reason LIKE '%\_duplicate' ESCAPE '\'
),
final AS (
  SELECT losing.name AS repo, keeping.name AS kept_in,
    coalesce(list_contains(keeping.names, losing.origin), false) AS is_fork,
    count(*) FILTER (reason = 'exact_duplicate') AS exact,
    count(*) FILTER (reason <> 'exact_duplicate') AS not_exact, losing.url, keeping.url AS kept_in_url
  FROM duplicates
  LEFT JOIN repos AS losing ON losing.repo_id = duplicates.repo_id
  LEFT JOIN repos AS keeping ON keeping.repo_id = duplicates.kept_repo_id
  -- By id: two sources may bear one name.
  GROUP BY duplicates.repo_id, kept_repo_id, losing.name, keeping.name, losing.url, keeping.url, is_fork
)
SELECT * FROM final
ORDER BY ALL
