-- Bad result: a repository whose owner asked, and which is not in this list.
-- Question: Which repositories were left out, wholly or in part, because an owner said no?
-- Must be empty: no
-- Needs: decisions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
repos AS (SELECT * FROM stg_repos),
left_out AS (
  SELECT repo_id, count(*) FILTER (reason = 'owner_opted_out') AS own_files,
    count(*) FILTER (reason = 'copy_of_opted_out') AS copies
  FROM decisions
  GROUP BY repo_id
),
final AS (
  SELECT name AS repo, status, optout_signal, coalesce(own_files, 0) AS own_files, coalesce(copies, 0) AS copies
  FROM repos LEFT JOIN left_out USING (repo_id)
  WHERE status = 'opted_out' OR optout_signal IS NOT NULL OR own_files > 0 OR copies > 0
)
SELECT * FROM final
ORDER BY ALL
