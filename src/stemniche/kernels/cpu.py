"""The CPU backend: every kernel under the name by which processes call it."""
import sys
sys.path.insert(0,'/tmp/quick')
import numpy as np
from zlib import crc32
import quickk as q
from stemniche.kernels import interpreter, cycle, exchange, fields, jit, neighbours
try:
    from stemniche.kernels import mechanics
except Exception: mechanics=None

def stream(name): return np.uint32(crc32(name.encode()))

class Backend:
    def __init__(self): self.work=None
    FieldProblem=staticmethod(fields.FieldProblem)
    secrete=staticmethod(exchange.secrete); take_up=staticmethod(exchange.take_up)
    advance_cycle=staticmethod(cycle.advance_cycle); advance_dead=staticmethod(cycle.advance_dead)
    gather=staticmethod(q.gather); cue_direction=staticmethod(q.cue_direction); deposit=staticmethod(q.deposit)
    voxel_index=staticmethod(q.voxel_index); voxel_pointers=staticmethod(q.voxel_pointers)
    count_contacts=staticmethod(q.count_contacts); neighbour_mean=staticmethod(q.neighbour_mean); neighbour_sum=staticmethod(q.neighbour_sum)
    resolve=staticmethod(q.resolve); stemness_step=staticmethod(q.stemness_step); canonical_order=staticmethod(q.canonical_order)
    child_keys=staticmethod(q.child_keys); site_keys=staticmethod(q.site_keys); uniform_array=staticmethod(q.uniform_array); polarise=staticmethod(q.polarise)
    def advance_fields(self,f,problem,elapsed,force,tol,it,age):
        if self.work is None: self.work=fields.make_workspace(problem.shape,f.shape[0])
        return fields.advance(f,problem,elapsed,force,tolerance=tol,max_iterations=it,max_age=age,workspace=self.work)
    def build_list(self,x,y,z,r,n,size,reach,skin):
        return neighbours.build_list(x,y,z,r,n,np.array(size,np.float32),reach,skin)
    def move_tick(self,x,y,z,r,rep,adh,vx,vy,vz,mov,ptr,idx,n,minutes,base,size,wall,reach,skin,flat):
        if hasattr(mechanics,'move_tick'):
            return mechanics.move_tick(x,y,z,r,rep,adh,vx,vy,vz,mov,n,minutes,base,np.array(size,np.float32),wall,reach,flat)
        out=np.zeros(n,np.float32)
        for _ in range(3):
            mechanics.step_motion(x,y,z,r,rep,adh,vx,vy,vz,mov,ptr,idx,n,minutes/3,base,np.array(size,np.float32),wall,reach,flat,out)
            ptr,idx=self.build_list(x,y,z,r,n,size,reach,skin)
    evaluate_nodes=staticmethod(interpreter.evaluate_nodes); evaluate_behaviours=staticmethod(interpreter.evaluate_behaviours)
def cpu(threads): 
    jit.set_threads(threads); return Backend()
