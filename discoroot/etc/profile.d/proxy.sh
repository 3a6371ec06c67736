# Hosts without a route to the internet use the proxy that user data names (see disco-add-etc-hosts.sh).
if getent hosts s3proxy >/dev/null 2>&1; then
    export http_proxy=http://s3proxy:80 https_proxy=http://s3proxy:80
    export HTTP_PROXY=$http_proxy HTTPS_PROXY=$https_proxy
    export no_proxy=localhost,127.0.0.1,169.254.169.254 NO_PROXY=localhost,127.0.0.1,169.254.169.254
fi
