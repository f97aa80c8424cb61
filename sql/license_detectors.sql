-- Bad result: two versions of a detector, or many contents with the outcome unknown.
-- Question: Which licence detectors read how many contents, and with what outcome?
-- Must be empty: no
-- Needs: license_findings
WITH
license_findings AS (SELECT * FROM stg_license_findings),
final AS (
  SELECT detector, scope, outcome, count(DISTINCT blob_id) AS contents, count(*) AS findings
  FROM license_findings
  GROUP BY detector, scope, outcome
)
SELECT * FROM final
ORDER BY ALL
