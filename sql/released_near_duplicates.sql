-- Bad result: any row. Each is a pair of released files whose measured likeness should have dropped one.
-- Question: Are two contents released of which one should have been dropped as a duplicate of the other?
-- Must be empty: yes
-- Needs: docs, pairs
WITH
docs AS (SELECT * FROM stg_docs),
pairs AS (SELECT * FROM stg_pairs),
-- Of a contained pair both stay where the one inside has the better evidence of being the origin.
verified AS (SELECT * FROM pairs WHERE duplicate AND sameness <> 'contained'),
final AS (
  SELECT one.repo, one.path, other.repo AS other_repo, other.path AS other_path, sameness, similarity
  FROM verified
  JOIN docs AS one ON one.blob_id = left_blob_id
  JOIN docs AS other ON other.blob_id = right_blob_id
)
SELECT * FROM final
ORDER BY ALL
