-- Bad result: a language that was not asked for, or one whose tokens for each byte stand far out.
-- Question: How many tokens are released in which language?
-- Must be empty: no
-- Needs: docs
WITH
docs AS (SELECT * FROM stg_docs),
final AS (
  SELECT language, count(DISTINCT repo_id) AS repositories, count(*) AS documents,
    CAST(sum(tokens) AS BIGINT) AS tokens, CAST(sum(bytes) AS BIGINT) AS bytes,
    round(100.0 * sum(tokens) / sum(sum(tokens)) OVER (), 2) AS percent_of_tokens,
    round(sum(bytes) / sum(tokens), 2) AS bytes_for_each_token
  FROM docs
  GROUP BY language
)
SELECT * FROM final
ORDER BY tokens DESC, language
