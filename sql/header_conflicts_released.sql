-- Bad result: any row. Each is a released file whose own head contradicts the licence it is released under.
-- Question: Which released files contradict the licence that their own header states?
-- Must be empty: yes
-- Needs: decisions, docs, license_conclusions, overrides
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
overrides AS (SELECT * FROM stg_overrides),
-- Where a person decided, the question overrides_in_force says who and why.
decided AS (
  SELECT file_id FROM decisions JOIN overrides ON override_id = regexp_extract(rule, '^override ([0-9a-f]+):', 1)
),
-- What this policy did not allow is read from its own decisions; what a person denied is not the policy's.
not_allowed AS (
  SELECT DISTINCT expression
  FROM license_conclusions JOIN decisions USING (file_id)
  WHERE reason = 'license_not_allowed' AND NOT starts_with(rule, 'override ')
    AND expression IS NOT NULL AND NOT conflict
    -- Where header and directory both speak, either of them may be the one that was not allowed.
    AND (header_expression IS NULL OR header_expression = directory_expression)
),
released AS (
  SELECT docs.repo, docs.path, docs.file_id, docs.license, concluded.* EXCLUDE (file_id),
    -- The header decides where it offers a choice whose texts lie in the directory, or picks one of several licences;
    -- the folder where the header lists the sides of its choice.
    starts_with(decisions.rule, 'the header decides: ') AS header_decides,
    starts_with(decisions.rule, 'the folder decides: ') AS folder_decides,
    regexp_extract_all(lower(docs.license), '[a-z0-9.+:-]+') AS released_words,
    regexp_extract_all(lower(concluded.header_expression), '[a-z0-9.+:-]+') AS header_words
  FROM docs JOIN license_conclusions AS concluded USING (file_id) JOIN decisions USING (file_id)
  WHERE file_id NOT IN (SELECT file_id FROM decided)
),
stated AS (
  SELECT * EXCLUDE (header_words),
    -- A header that only points to a licence ("see LICENSE") states none.
    list_filter(
      header_words,
      lambda word: NOT list_contains(released_words, word) AND word NOT IN (
        'and', 'or', 'with', 'licenseref-scancode-unknown-license-reference', 'licenseref-scancode-see-license',
        'licenseref-scancode-unstated'
      )
    ) AS words_left_out
  FROM released
),
judged AS (
  SELECT *,
    CASE
      WHEN license IS DISTINCT FROM expression THEN 'released under another licence than was concluded'
      WHEN len(words_left_out) > 0 THEN 'the header names a licence that the release does not'
      WHEN conflict AND NOT header_decides AND directory_expression IN (SELECT expression FROM not_allowed)
        THEN 'the directory states a licence that is not allowed'
      WHEN conflict AND NOT folder_decides AND header_expression IN (SELECT expression FROM not_allowed)
        THEN 'the header states a licence that is not allowed'
    END AS problem
  FROM stated
),
final AS (
  SELECT repo, path, file_id, license, expression, header_expression, directory_expression, problem
  FROM judged
  WHERE problem IS NOT NULL
)
SELECT * FROM final
ORDER BY ALL
