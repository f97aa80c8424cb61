-- Bad result: any row. Each is a pair of released files whose measured likeness should have dropped one.
-- Question: Are two contents released of which one should have been dropped as a duplicate of the other?
-- Must be empty: yes
-- Needs: docs, pairs
WITH
docs AS (SELECT * FROM stg_docs),
pairs AS (SELECT * FROM stg_pairs),
-- Of a contained pair both stay where the one inside has the better evidence of being the origin.
verified AS (SELECT * FROM pairs WHERE duplicate AND sameness <> 'contained'),
-- In a crowd of equal forms each content is paired with one of them only, which need not be released itself.
equal AS (
  SELECT left_blob_id AS third, right_blob_id AS blob_id, sameness
  FROM verified WHERE sameness IN ('normalised', 'renamed')
  UNION
  SELECT right_blob_id, left_blob_id, sameness
  FROM verified WHERE sameness IN ('normalised', 'renamed')
),
released AS (
  SELECT blob_id, sameness, min(blob_id) OVER (PARTITION BY third) AS first_blob_id
  FROM equal
  WHERE blob_id IN (SELECT blob_id FROM docs)
),
links AS (
  SELECT left_blob_id, right_blob_id, sameness, similarity FROM verified
  UNION
  SELECT first_blob_id, blob_id, sameness, 1.0 FROM released WHERE first_blob_id < blob_id
),
final AS (
  SELECT one.repo, one.path, other.repo AS other_repo, other.path AS other_path, sameness, similarity
  FROM links
  JOIN docs AS one ON one.blob_id = left_blob_id
  JOIN docs AS other ON other.blob_id = right_blob_id
)
SELECT * FROM final
ORDER BY ALL
