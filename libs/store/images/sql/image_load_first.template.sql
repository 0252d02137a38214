COPY state.image_{{table}} (epoch, lsn, live, id{{columns}}) FROM STDIN
