-- Bad result: any row. Each is a released file that no decision kept, or that is not the file that was decided about.
-- Question: Does a decision to keep stand behind every released file?
-- Must be empty: yes
-- Needs: decisions, docs
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
compared AS (
  SELECT docs.repo, docs.path, file_id,
    CASE
      WHEN decisions.verdict IS NULL THEN 'no decision'
      WHEN decisions.verdict <> 'kept' THEN 'rejected: ' || decisions.reason
      WHEN (docs.repo_id, docs.path) <> (decisions.repo_id, decisions.path)
        OR docs.blob_id IS DISTINCT FROM decisions.blob_id THEN 'the decision is about another file or content'
    END AS problem
  FROM docs LEFT JOIN decisions USING (file_id)
),
final AS (SELECT * FROM compared WHERE problem IS NOT NULL)
SELECT * FROM final
ORDER BY ALL
