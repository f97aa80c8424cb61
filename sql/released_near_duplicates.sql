-- Bad result: any row. Each is a pair of released files that were measured to be near duplicates.
-- Question: Are two contents released that were verified to be near duplicates of each other?
-- Must be empty: yes
-- Needs: docs, pairs
WITH
docs AS (SELECT * FROM stg_docs),
pairs AS (SELECT * FROM stg_pairs),
verified AS (SELECT * FROM pairs WHERE duplicate),
final AS (
  SELECT one.repo, one.path, other.repo AS other_repo, other.path AS other_path, jaccard
  FROM verified
  JOIN docs AS one ON one.blob_id = left_blob_id
  JOIN docs AS other ON other.blob_id = right_blob_id
)
SELECT * FROM final
ORDER BY ALL
