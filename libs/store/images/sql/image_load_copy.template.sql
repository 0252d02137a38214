COPY pg_temp.incoming (id{{columns}}) FROM STDIN
