-- Bad result: a benchmark of which many problems cannot be looked for: they are too short for its `words`.
-- Question: Which benchmarks was the run compared with, how many of their problems were found, and in how many files?
-- Must be empty: no
-- Needs: benchmark_matches, benchmark_problems, decisions
WITH
problems AS (SELECT * FROM stg_benchmark_problems),
matches AS (SELECT blob_id, benchmark, problem FROM stg_benchmark_matches),
decisions AS (SELECT file_id, blob_id, reason FROM stg_decisions),
listed AS (
  SELECT benchmark, any_value(sha256) AS sha256, any_value(words) AS words, count(*) AS problems,
    count(*) FILTER (runs = 0) AS not_looked_for
  FROM problems
  GROUP BY benchmark
),
met AS (
  SELECT benchmark, count(DISTINCT problem) AS found, count(DISTINCT file_id) AS files,
    count(DISTINCT file_id) FILTER (reason = 'benchmark_problem') AS left_out
  FROM matches JOIN decisions USING (blob_id)
  GROUP BY benchmark
),
final AS (
  SELECT benchmark, sha256, words, problems, not_looked_for, coalesce(found, 0) AS found, coalesce(files, 0) AS files,
    coalesce(left_out, 0) AS left_out
  FROM listed LEFT JOIN met USING (benchmark)
)
SELECT * FROM final
ORDER BY benchmark
