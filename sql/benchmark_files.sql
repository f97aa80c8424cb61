-- Bad result: a file that shares a common phrase with a problem, and no more. More `words` for that benchmark spare it.
-- Question: Which files hold a problem of a benchmark, where, and what became of them?
-- Must be empty: no
-- Needs: benchmark_matches, decisions, repos
WITH
matches AS (SELECT * FROM stg_benchmark_matches),
decisions AS (SELECT repo_id, path, blob_id, verdict, reason FROM stg_decisions),
repos AS (SELECT repo_id, name, url FROM stg_repos),
final AS (
  SELECT benchmark, problem, name AS repo, path, start_line, end_line, words, verdict, reason, url
  FROM matches JOIN decisions USING (blob_id) JOIN repos USING (repo_id)
)
SELECT * FROM final
ORDER BY ALL
