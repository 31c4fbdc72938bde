# syntax=docker/dockerfile:1
# The image of launcher and workers: both programs, Open MPI, sshd for user 1000 on port 2222, no compiler.
#
#   CPU:   docker build --build-arg BASE=debian:12 -t ringtrain .
#   GPU:   docker build --build-arg BASE=debian:12 --build-arg PRESET=cuda -t ringtrain .
#          CUDA, cuDNN and NCCL are those of the wheels; the driver is the node's.
#   From programs that are built already, in seconds:
#          cmake --install build/cpu --prefix build/image --strip      (build/cuda for GPUs)
#          docker build --target prepared --build-arg BASE=debian:12 -t ringtrain .
#
# The same with buildah bud. BASE may be another Debian or Ubuntu that mpijob/image/install-packages knows.
ARG BASE=debian:12

FROM $BASE AS runtime
COPY mpijob/image/install-packages /tmp/
RUN /tmp/install-packages && rm /tmp/install-packages
COPY mpijob/image/ringtrain-pod mpijob/image/ringtrain-fetch mpijob/image/ringtrain-steps mpijob/image/ringtrain-tree \
     mpijob/image/ringtrain-mnist /usr/local/bin/
COPY mpijob/image/ssh_config /etc/ssh/ssh_config.d/ringtrain.conf
COPY mpijob/image/sshd_config /home/mpiuser/.sshd_config
RUN echo /usr/local/lib/ringtrain > /etc/ld.so.conf.d/ringtrain.conf
USER 1000
WORKDIR /home/mpiuser
EXPOSE 2222
CMD ["ringtrain-pod"]
# For docker; Kubernetes has the probes of the pod.
HEALTHCHECK CMD ["bash", "-c", "exec 3<> /dev/tcp/127.0.0.1/2222"]
LABEL org.opencontainers.image.title="ringtrain" \
      org.opencontainers.image.description="Trains neural networks as one persistent MPI job" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"

FROM runtime AS prepared
COPY build/image /usr/local
USER 0
RUN ldconfig && ringtrain-tree /opt/ringtrain
USER 1000

# Compilers and libraries alone: the development container, too (.devcontainer).
FROM $BASE AS tools
ARG PRESET=cpu
WORKDIR /src
COPY scripts/setup scripts/
COPY scripts/install scripts/install
RUN if [ "$PRESET" = cuda ]; then scripts/setup --cuda; else scripts/setup; fi

FROM tools AS build
ARG PRESET=cpu
COPY . .
RUN cmake --preset "$PRESET" -DCMAKE_BUILD_TYPE=Release -DRINGTRAIN_TESTS=OFF \
  && cmake --build --preset "$PRESET" --target ringtrain ringtrain-worker ringtrain-serve ringtrain-operator \
  && cmake --install "build/$PRESET" --prefix /opt/ringtrain --strip

FROM runtime
COPY --from=build /opt/ringtrain /usr/local
USER 0
RUN ldconfig && ringtrain-tree /opt/ringtrain
USER 1000
