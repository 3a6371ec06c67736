# Where moto 5.2 is further from AWS than a rehearsal can bear. Run before the server starts.
# Scaling policies belong to a group: moto keeps them by name only, so that all groups share one `up` and one `down`.
# AWS removes the policies and scheduled actions of a group with the group.
# DHCP options that a VPC no longer uses can be deleted.
# A terminated instance gives up its interfaces: those launched with it vanish, others become available.
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import EmptyResult
from moto.ec2.models.dhcp_options import DHCPOptionsSetBackend
from moto.ec2.models.instances import Instance

put_policy = AutoScalingBackend.put_scaling_policy
delete_group = AutoScalingBackend.delete_auto_scaling_group
associate_dhcp = DHCPOptionsSetBackend.associate_dhcp_options
prepare_interfaces = Instance.prep_nics
terminate_instance = Instance.terminate


def put_scaling_policy(self, name, **others):
    policy = put_policy(self, name=name, **others)
    self.policies.pop(name)
    self.policies[(others["as_name"], name)] = policy
    return policy


def delete_policy(self):
    key = (self._get_param("AutoScalingGroupName"), self._get_param("PolicyName"))
    self.autoscaling_backend.policies.pop(key, None)
    return EmptyResult()


def execute_policy(self):
    key = (self._get_param("AutoScalingGroupName"), self._get_param("PolicyName"))
    self.autoscaling_backend.policies[key].execute()
    return EmptyResult()


def delete_auto_scaling_group(self, group_name, *others):
    result = delete_group(self, group_name, *others)
    for key in [key for key in self.policies if key[0] == group_name]:
        del self.policies[key]
    for name in [n for n, action in self.scheduled_actions.items() if action.auto_scaling_group_name == group_name]:
        del self.scheduled_actions[name]
    return result


def associate_dhcp_options(self, dhcp_options, vpc):
    if vpc.dhcp_options:
        vpc.dhcp_options.vpc = None
    associate_dhcp(self, dhcp_options, vpc)


def prep_nics(self, nic_spec, *others, **named):
    given = {nic.get("NetworkInterfaceId") for nic in nic_spec}
    prepare_interfaces(self, nic_spec, *others, **named)
    self.own_nics = [nic for nic in self.nics.values() if nic.id not in given]


def terminate(self):
    state = terminate_instance(self)
    enis = self.ec2_backend.enis
    for nic in self.nics.values():
        if nic in self.own_nics:
            enis.pop(nic.id, None)
        else:
            nic.instance = nic.attachment_id = nic.attach_time = nic.device_index = None
            nic.status = "available"
    return state


AutoScalingBackend.put_scaling_policy = put_scaling_policy
AutoScalingBackend.delete_auto_scaling_group = delete_auto_scaling_group
AutoScalingResponse.delete_policy = delete_policy
AutoScalingResponse.execute_policy = execute_policy
DHCPOptionsSetBackend.associate_dhcp_options = associate_dhcp_options
Instance.prep_nics = prep_nics
Instance.terminate = terminate

# An update may change the termination policies, which moto forgets.
update_group = AutoScalingResponse.update_auto_scaling_group


def update_auto_scaling_group(self):
    result = update_group(self)
    params = self._get_params()
    if params.get("TerminationPolicies"):
        group = self.autoscaling_backend.autoscaling_groups[params["AutoScalingGroupName"]]
        group.termination_policies = params["TerminationPolicies"]
    return result


AutoScalingResponse.update_auto_scaling_group = update_auto_scaling_group

# The routes of a gateway endpoint follow its tables; a table that is deleted leaves its endpoints.
from moto.ec2.models.route_tables import RouteBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.utils import generate_route_id

modify_endpoint = VPCBackend.modify_vpc_endpoint
delete_endpoints = VPCBackend.delete_vpc_endpoints
delete_table = RouteBackend.delete_route_table


def endpoint_route(endpoint, table_id):
    return generate_route_id(table_id, endpoint.destination_prefix_list_id)


def has_route(backend, endpoint, table_id):
    table = backend.route_tables.get(table_id)
    return table is not None and endpoint_route(endpoint, table_id) in table._routes


def modify_vpc_endpoint(self, vpc_id, add_route_tables=None, remove_route_tables=None, **others):
    modify_endpoint(
        self, vpc_id=vpc_id, add_route_tables=add_route_tables, remove_route_tables=remove_route_tables, **others
    )
    endpoint = self.vpc_end_points[vpc_id]
    prefix_list = endpoint.destination_prefix_list_id
    if not prefix_list:
        return
    for table_id in add_route_tables or []:
        if not has_route(self, endpoint, table_id):
            self.create_route(table_id, None, gateway_id=vpc_id, destination_prefix_list_id=prefix_list)
    for table_id in remove_route_tables or []:
        if has_route(self, endpoint, table_id):
            del self.route_tables[table_id]._routes[endpoint_route(endpoint, table_id)]


def delete_vpc_endpoints(self, vpce_ids=None):
    for vpce_id in vpce_ids or []:
        endpoint = self.vpc_end_points.get(vpce_id)
        if endpoint and endpoint.vpc_endpoint_type.lower() != "interface":
            endpoint.route_table_ids = [t for t in endpoint.route_table_ids if has_route(self, endpoint, t)]
    delete_endpoints(self, vpce_ids)


def delete_route_table(self, route_table_id):
    delete_table(self, route_table_id)
    for endpoint in self.vpc_end_points.values():
        endpoint.route_table_ids = [t for t in endpoint.route_table_ids or [] if t != route_table_id]


VPCBackend.modify_vpc_endpoint = modify_vpc_endpoint
VPCBackend.delete_vpc_endpoints = delete_vpc_endpoints
RouteBackend.delete_route_table = delete_route_table

# Cache subnet groups can be deleted, and a deleted replication group is gone.
from moto.core.exceptions import ServiceException
from moto.elasticache.models import ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse

delete_replication_group = ElastiCacheBackend.delete_replication_group


class CacheSubnetGroupNotFound(ServiceException):
    code = "CacheSubnetGroupNotFoundFault"


def delete_and_forget(self, replication_group_id, *others, **named):
    group = delete_replication_group(self, replication_group_id, *others, **named)
    del self.replication_groups[replication_group_id]
    return group


def delete_cache_subnet_group(self):
    name = self._get_param("CacheSubnetGroupName")
    if self.elasticache_backend.cache_subnet_groups.pop(name, None) is None:
        raise CacheSubnetGroupNotFound(f"CacheSubnetGroup {name} not found.")
    return EmptyResult()


ElastiCacheBackend.delete_replication_group = delete_and_forget
ElastiCacheResponse.delete_cache_subnet_group = delete_cache_subnet_group

# CloudWatch's newer protocol, which moto does not speak: CBOR documents become JSON documents, and back.
import io
import json
import struct

from botocore.parsers import RpcV2CBORParser
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

dispatch = DomainDispatcherApplication.__call__


def cbor_head(kind, number):
    if number < 24:
        return bytes([kind << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([kind << 5 | info]) + number.to_bytes(size, "big")


def to_cbor(value, is_time=False):
    if is_time and isinstance(value, (int, float)):
        return cbor_head(6, 1) + to_cbor(float(value))
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return cbor_head(0, value) if value >= 0 else cbor_head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return cbor_head(3, len(text)) + text
    if isinstance(value, list):
        return cbor_head(4, len(value)) + b"".join(to_cbor(item, is_time) for item in value)
    pairs = [to_cbor(k) + to_cbor(v, k.endswith(("Timestamp", "Timestamps"))) for k, v in value.items()]
    return cbor_head(5, len(pairs)) + b"".join(pairs)


def call(self, environ, start_response):
    parts = environ.get("PATH_INFO", "").split("/")
    if parts[1:2] != ["service"] or parts[3:4] != ["operation"]:
        return dispatch(self, environ, start_response)
    parser = RpcV2CBORParser()
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    document = parser.parse_data_item(parser.get_peekable_stream_from_bytes(body)) if body else {}
    text = json.dumps(document, default=lambda at: at.timestamp()).encode()
    given = {
        "PATH_INFO": "/",
        "REQUEST_URI": "/",
        "RAW_URI": "/",
        "CONTENT_TYPE": "application/x-amz-json-1.0",
        "CONTENT_LENGTH": str(len(text)),
        "HTTP_X_AMZ_TARGET": f"{parts[2]}.{parts[4]}",
        "HTTP_ACCEPT": "*/*",
        "wsgi.input": io.BytesIO(text),
    }
    heads = []
    answer = b"".join(dispatch(self, environ | given, lambda *head: heads.append(head)))
    answer = to_cbor(json.loads(answer or b"{}"))
    kept = [pair for pair in heads[0][1] if pair[0].lower() not in ("content-type", "content-length")]
    own = [("Content-Type", "application/cbor"), ("Smithy-Protocol", "rpc-v2-cbor"), ("Content-Length", str(len(answer)))]
    start_response(heads[0][0], kept + own)
    return [answer]


DomainDispatcherApplication.__call__ = call

# A classic balancer tells the protocols of its hosts, and the zones of its subnets.
from moto.ec2.models import ec2_backends
from moto.elb.models import ELBBackend, FakeListener

create_balancer = ELBBackend.create_load_balancer
FakeListener.instance_protocol = property(lambda self: getattr(self, "given_protocol", None) or self.protocol)


def create_load_balancer(self, name, zones, ports, *others, **named):
    balancer = create_balancer(self, name, zones, ports, *others, **named)
    for listener, port in zip(balancer.listeners, ports):
        listener.given_protocol = (port.get("InstanceProtocol") or "").upper()
    if not balancer.availability_zones:
        ec2 = ec2_backends[self.account_id][self.region_name]
        balancer.availability_zones = sorted({ec2.get_subnet(s).availability_zone for s in balancer.subnets})
    return balancer


ELBBackend.create_load_balancer = create_load_balancer

# Groups share a balancer: it has the hosts of all that are attached, and only a balancer that a group is detached from loses them.
def update_balancers(self, names):
    for balancer in self.elb_backend.load_balancers.values():
        if balancer.name in names:
            groups = [g for g in self.autoscaling_groups.values() if balancer.name in g.load_balancer_names]
            balancer.instance_autoscaling_ids = [s.instance.id for g in groups for s in g.active_instances()]


def update_attached_elbs(self, group_name):
    update_balancers(self, self.autoscaling_groups[group_name].load_balancer_names)


def detach_load_balancers(self, group_name, load_balancer_names):
    group = self.autoscaling_groups[group_name]
    group.load_balancer_names = [name for name in group.load_balancer_names if name not in load_balancer_names]
    update_balancers(self, load_balancer_names)


AutoScalingBackend.update_attached_elbs = update_attached_elbs
AutoScalingBackend.detach_load_balancers = detach_load_balancers

# Elastic addresses are public ones, not of loopback. A copied image says of what.
from moto.ec2.models import elastic_ip_addresses
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.utils import random_public_ip

create_ami = Ami.__init__
run_group_instances = InstanceBackend.run_instances
elastic_ip_addresses.random_ip = random_public_ip


def init_ami(self, *others, source_ami=None, **named):
    self.source_image_id = source_ami.id if source_ami else None
    create_ami(self, *others, source_ami=source_ami, **named)


# Instances of a template get the groups and the public address that its interface asks for.
def run_instances(self, image_id, count, user_data, security_group_names, **named):
    template = named.get("launch_template") and self._get_template_from_args(named["launch_template"]).data
    for nic in (template or {}).get("NetworkInterfaces") or []:
        if int(nic.get("DeviceIndex", 0)) == 0:
            public = nic.get("AssociatePublicIpAddress")
            if public is not None and named.get("associate_public_ip") is None:
                named["associate_public_ip"] = str(public).lower() == "true"
            groups = nic.get("Groups") or nic.get("SecurityGroupId") or []
            if groups and not security_group_names and not named.get("security_group_ids"):
                named["security_group_ids"] = groups
    return run_group_instances(self, image_id, count, user_data, security_group_names, **named)


Ami.__init__ = init_ami
InstanceBackend.run_instances = run_instances

# A subnet does not give an instance the address that an interface of its own has.
from moto.ec2.models.subnets import Subnet

next_address = Subnet.get_available_subnet_ip


def get_available_subnet_ip(self, instance):
    enis = self.ec2_backend.enis.values()
    own = [eni for eni in enis if eni.subnet is self and (not eni.instance or eni.device_index != 0)]
    taken = {address.get("PrivateIpAddress") for eni in own for address in eni.private_ip_addresses}
    address = next_address(self, instance)
    while address in taken:
        address = next_address(self, instance)
    return address


Subnet.get_available_subnet_ip = get_available_subnet_ip

# Data Pipeline: the same name and unique id are the same pipeline.
from moto.datapipeline.models import DataPipelineBackend

create_pipeline = DataPipelineBackend.create_pipeline


def create_pipeline_once(self, name, unique_id, **named):
    for pipeline in self.pipelines.values():
        if (pipeline.name, pipeline.unique_id) == (name, unique_id):
            return pipeline
    return create_pipeline(self, name, unique_id, **named)


DataPipelineBackend.create_pipeline = create_pipeline_once

# CreateImage tags the snapshot that it makes too.
create_image = AmiBackend.create_image


def create_tagged_image(self, instance_id, name, description, tag_specifications):
    of_snapshot = [each for each in tag_specifications if each["ResourceType"] == "snapshot"]
    others = [each for each in tag_specifications if each["ResourceType"] != "snapshot"]
    image = create_image(self, instance_id, name, description, others)
    for each in of_snapshot:
        for tag in each["Tags"]:
            image.ebs_snapshot.add_tag(tag["Key"], tag["Value"])
    return image


AmiBackend.create_image = create_tagged_image
