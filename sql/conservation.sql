-- Bad result: any row. Each names a file, a decision or a repository that was lost, or that was counted twice.
-- Question: Does every file have exactly one decision, and every kept file a document or a dead letter?
-- Must be empty: yes
-- Needs: dead_letters, decisions, documents, files, repos
WITH
dead_letters AS (SELECT * FROM stg_dead_letters),
decisions AS (SELECT * FROM stg_decisions),
documents AS (SELECT file_id FROM stg_documents),
files AS (SELECT * FROM stg_files),
repos AS (SELECT * FROM stg_repos),
kept AS (SELECT * FROM decisions WHERE verdict = 'kept'),
counted_twice AS (
  SELECT 'file listed twice' AS problem, file_id AS id FROM files GROUP BY file_id HAVING count(*) > 1
  UNION ALL SELECT 'decided twice', file_id FROM decisions GROUP BY file_id HAVING count(*) > 1
  UNION ALL SELECT 'document twice', file_id FROM documents GROUP BY file_id HAVING count(*) > 1
),
lost AS (
  SELECT 'file without a decision' AS problem, file_id AS id FROM files ANTI JOIN decisions USING (file_id)
  UNION ALL SELECT 'decision without a file', file_id FROM decisions ANTI JOIN files USING (file_id)
  UNION ALL SELECT 'file of an unknown repository', file_id FROM files ANTI JOIN repos USING (repo_id)
  UNION ALL SELECT 'kept, but neither document nor dead letter', file_id
  FROM kept
  ANTI JOIN documents USING (file_id)
  ANTI JOIN dead_letters AS of_file ON of_file.id = kept.file_id
  ANTI JOIN dead_letters AS of_blob ON of_blob.id = kept.blob_id
  UNION ALL SELECT 'document of a file that was not kept', file_id FROM documents ANTI JOIN kept USING (file_id)
  UNION ALL SELECT 'repository failed without a dead letter', repo_id
  FROM repos ANTI JOIN dead_letters ON dead_letters.id = repos.repo_id
  WHERE status = 'failed'
),
contradictory AS (
  SELECT 'verdict and reason disagree' AS problem, file_id AS id
  FROM decisions
  WHERE verdict NOT IN ('kept', 'rejected') OR (verdict = 'kept') <> (reason = 'kept')
  UNION ALL SELECT 'decision and file disagree', file_id
  FROM decisions JOIN files USING (file_id)
  WHERE (decisions.repo_id, decisions.path) <> (files.repo_id, files.path)
    OR decisions.blob_id IS DISTINCT FROM files.blob_id
  UNION ALL SELECT 'kept, but its content was not read', file_id
  FROM kept JOIN files USING (file_id)
  WHERE files.skipped IS NOT NULL OR files.blob_id IS NULL
),
final AS (
  SELECT * FROM counted_twice
  UNION ALL SELECT * FROM lost
  UNION ALL SELECT * FROM contradictory
)
SELECT * FROM final
ORDER BY ALL
