-- Holds the rows from COPY until the transaction ends.
CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS
SELECT id{{columns}} FROM state.image_{{table}} WITH NO DATA
