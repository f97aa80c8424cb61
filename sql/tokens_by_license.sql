-- Bad result: a licence that the policy should not allow.
-- Question: How many tokens are released under which licence?
-- Must be empty: no
-- Needs: docs
WITH
docs AS (SELECT * FROM stg_docs),
final AS (
  SELECT license, count(DISTINCT repo_id) AS repositories, count(*) AS documents,
    CAST(sum(tokens) AS BIGINT) AS tokens, CAST(sum(bytes) AS BIGINT) AS bytes,
    round(100.0 * sum(tokens) / sum(sum(tokens)) OVER (), 2) AS percent_of_tokens
  FROM docs
  GROUP BY license
)
SELECT * FROM final
ORDER BY tokens DESC, license
