-- Bad result: any row. Each is a released file that holds a problem of a benchmark that the settings name.
-- Question: Does any released file hold a problem of a benchmark?
-- Must be empty: yes
-- Needs: benchmark_matches, docs
WITH
docs AS (SELECT file_id, repo, path, blob_id FROM stg_docs),
matches AS (SELECT blob_id, benchmark, problem, start_line, end_line FROM stg_benchmark_matches),
final AS (
  SELECT repo, path, file_id, benchmark, problem, start_line, end_line
  FROM docs JOIN matches USING (blob_id)
)
SELECT * FROM final
ORDER BY ALL
