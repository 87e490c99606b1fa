#!/bin/sh
# In the foreground is the only way that an image needs. Flags stand in the order of the public image.
home=$(dirname "$(dirname "$(readlink -f "$0")")")
# shellcheck disable=SC2086 # several flags in one variable
exec java "-Xmx${ZK_SERVER_HEAP:-1000}m" ${SERVER_JVMFLAGS:-} ${JVMFLAGS:-} "-Dzookeeper.log.dir=$ZOO_LOG_DIR" \
  -cp "$home/lib/*:$ZOO_CONF_DIR" org.apache.zookeeper.server.quorum.QuorumPeerMain "$ZOO_CONF_DIR/zoo.cfg"
