# What the images of this folder expect of the official image of PHP with Apache, from Debian's packages: for machines that
# reach no registry of images, such as build-and-run's.
ARG BASE=docker.io/library/debian:12-slim
FROM ${BASE}
RUN apt-get update && \
  apt-get install --yes --no-install-recommends apache2 libapache2-mod-php php-cli curl && \
  rm -rf /var/lib/apt/lists/* /var/www/html/index.html
# A plain user can start Apache: it writes only here and to the standard output and error.
RUN install --directory --mode=1777 /run/apache2 /run/lock/apache2 /var/log/apache2 && \
  ln --symbolic --force /dev/stdout /var/log/apache2/access.log && \
  ln --symbolic --force /dev/stdout /var/log/apache2/other_vhosts_access.log && \
  ln --symbolic --force /dev/stderr /var/log/apache2/error.log
STOPSIGNAL SIGWINCH
CMD ["sh", "-c", ". /etc/apache2/envvars && rm -f \"$APACHE_PID_FILE\" && exec apache2 -DFOREGROUND"]
