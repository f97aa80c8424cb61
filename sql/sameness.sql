-- Bad result: a class that joins many pairs of a low similarity.
-- Question: How many pairs of contents are the same in which way, and what comes of it?
-- Must be empty: no
-- Needs: pairs
WITH
pairs AS (SELECT * FROM stg_pairs),
final AS (
  SELECT sameness, duplicate AS drops, bars, count(*) AS pairs, min(similarity) AS least,
    median(similarity) AS median, min(jaccard) AS least_jaccard
  FROM pairs
  GROUP BY sameness, duplicate, bars
)
SELECT * FROM final
ORDER BY ALL
